// One job with the official JavaScript SDK, as the README describes.
'use strict';
const sdk = require('purecloud-platform-client-v2');

const env = process.env;
const client = sdk.ApiClient.instance;
client.config.logger.log_level = client.config.logger.logLevelEnum.level.LNone;
client.setGateway({ host: env.SDK_HOST, protocol: 'http', port: Number(env.SDK_PORT) });
const users = new sdk.UsersApi();

const login = () => client.loginClientCredentialsGrant(env.SDK_CLIENT_ID, env.SDK_CLIENT_SECRET);
const request = () =>
    env.SDK_JOB === 'create'
        ? users.postUsers({ name: 'Ada', email: 'ada@example.com' })
        : users.getUsers({ pageSize: 1 });

const cause = (error) => String(error?.status ?? error?.code ?? error?.name ?? 'error');

async function attempt() {
    try {
        await request().catch(async (error) => {
            // The code around the SDK, which itself renews only tokens from a login.
            if (env.SDK_RENEWS !== '1' || error?.status !== 401) throw error;
            await login();
            await request();
        });
        return 'ok';
    } catch (error) {
        return cause(error);
    }
}

async function main() {
    if (env.SDK_CODE) {
        const callback = 'https://app.example/callback';
        const { SDK_CLIENT_ID: id, SDK_CLIENT_SECRET: secret, SDK_CODE: code } = env;
        await client.loginCodeAuthorizationGrant(id, secret, code, callback);
    } else {
        await login();
    }
    const started = process.hrtime.bigint();
    const results = {};
    let left = Number(env.SDK_REQUESTS);
    const work = async () => {
        while (left-- > 0) {
            const result = await attempt();
            results[result] = (results[result] ?? 0) + 1;
        }
    };
    await Promise.all(Array.from({ length: Number(env.SDK_AT_A_TIME) }, work));
    const seconds = Number(process.hrtime.bigint() - started) / 1e9;
    // Measured here, since the process runs until background work of the SDK has ended.
    console.log(JSON.stringify({ results, seconds }));
}

main();
