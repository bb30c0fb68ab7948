// Does the official JavaScript SDK accept the mock? It requests each endpoint once.
'use strict';
const assert = require('node:assert/strict');
const sdk = require('purecloud-platform-client-v2');

const env = process.env;
const client = sdk.ApiClient.instance;
client.config.logger.log_level = client.config.logger.logLevelEnum.level.LNone;
client.setGateway({ host: env.SDK_HOST, protocol: 'http', port: Number(env.SDK_PORT) });

const tokens = new sdk.TokensApi();
const users = new sdk.UsersApi();
const analytics = new sdk.AnalyticsApi();
const interval = env.SDK_INTERVAL;

async function refused(status, code, call) {
    const error = await call().then(() => assert.fail(`${status} was expected`), (error) => error);
    assert.equal(error.status, status, String(error.stack ?? error));
    assert.equal(error.code, code); // it rejects with the body of the answer
}

async function main() {
    await client.loginClientCredentialsGrant(env.SDK_CLIENT_ID, env.SDK_CLIENT_SECRET);

    // The client and its organisation.
    assert.equal((await tokens.getTokensMe()).OAuthClient.id, env.SDK_CLIENT_ID);
    await tokens.headTokensMe();
    await refused(400, 'bad.request', () => users.getUsersMe());

    // Users: by page, by id, in reverse order, and from creation to deletion.
    const pages = [];
    for (const pageNumber of [1, 2, 3]) pages.push(await users.getUsers({ pageSize: 25, pageNumber }));
    assert.deepEqual(pages.map((page) => page.entities.length), [25, 25, 10]);
    assert.deepEqual(pages.map((page) => page.total), [60, 60, 60]);
    const some = pages[1].entities.slice(0, 2).map((user) => user.id);
    const found = await users.getUsers({ id: some });
    assert.deepEqual(found.entities.map((user) => user.id), some);
    const last = await users.getUsers({ sortOrder: 'DESC', pageSize: 1 });
    assert.equal(last.entities[0].id, pages[2].entities[9].id);

    const ada = await users.postUsers({ name: 'Ada', email: 'ada@example.com' });
    assert.deepEqual([ada.version, ada.state], [1, 'active']);
    const change = { name: 'Grace', version: ada.version };
    assert.equal((await users.patchUser(ada.id, change)).version, 2);
    await refused(409, 'general.conflict', () => users.patchUser(ada.id, change));
    assert.equal((await users.getUser(ada.id)).name, 'Grace');
    await users.deleteUser(ada.id);
    await refused(404, 'not.found', () => users.getUser(ada.id));
    const deleted = await users.getUsers({ state: 'deleted' });
    assert.deepEqual(deleted.entities.map((user) => user.id), [ada.id]);

    // Conversations: by query and by job.
    const query = (pageNumber) => ({ interval, order: 'asc', paging: { pageSize: 100, pageNumber } });
    const page = await analytics.postAnalyticsConversationsDetailsQuery(query(2));
    assert.deepEqual([page.totalHits, page.conversations.length], [120, 20]);
    const past = await analytics.postAnalyticsConversationsDetailsQuery(query(3));
    assert.equal(past.conversations, undefined);

    const available = await analytics.getAnalyticsConversationsDetailsJobsAvailability();
    assert.ok(Date.parse(available.dataAvailabilityDate));
    const { jobId } = await analytics.postAnalyticsConversationsDetailsJobs({ interval });
    const states = [];
    for (let poll = 0; poll < 3; poll++) {
        states.push((await analytics.getAnalyticsConversationsDetailsJob(jobId)).state);
    }
    assert.deepEqual(states, ['QUEUED', 'PENDING', 'FULFILLED']);
    let read = 0;
    for (let cursor; ; ) {
        const options = { pageSize: 50, ...(cursor && { cursor }) };
        const results = await analytics.getAnalyticsConversationsDetailsJobResults(jobId, options);
        read += results.conversations.length;
        cursor = results.cursor;
        if (!cursor) break;
    }
    assert.equal(read, 120);

    // The revocation of the token.
    await tokens.deleteTokensMe();
    await refused(401, 'bad.credentials', () => tokens.getTokensMe());
    console.log('ok');
}

main().catch((error) => {
    console.error(error);
    process.exitCode = 1;
});
