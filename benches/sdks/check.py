"""Does the official Python SDK accept the mock? It requests each endpoint once."""

import os

import PureCloudPlatformClientV2 as sdk
from PureCloudPlatformClientV2.rest import ApiException

client = sdk.api_client.ApiClient()
client.set_gateway(os.environ["SDK_HOST"], "http", int(os.environ["SDK_PORT"]), None, None)
client.get_client_credentials_token(os.environ["SDK_CLIENT_ID"], os.environ["SDK_CLIENT_SECRET"])

tokens, users, analytics = sdk.TokensApi(client), sdk.UsersApi(client), sdk.AnalyticsApi(client)
interval = os.environ["SDK_INTERVAL"]


def refused(status, code, call):
    try:
        call()
    except ApiException as error:
        assert error.status == status, error
        assert code in str(error.body), error
        assert error.headers.get("inin-correlation-id"), error
    else:
        raise AssertionError(f"{status} was expected")


# The client and its organisation.
assert tokens.get_tokens_me().o_auth_client.id == os.environ["SDK_CLIENT_ID"]
tokens.head_tokens_me()
refused(400, "bad.request", users.get_users_me)

# Users: by page, by id, in reverse order, and from creation to deletion.
pages = [users.get_users(page_size=25, page_number=number) for number in (1, 2, 3)]
assert [len(page.entities) for page in pages] == [25, 25, 10]
assert {page.total for page in pages} == {60} and pages[0].page_count == 3
some = [user.id for user in pages[1].entities[:2]]
assert [user.id for user in users.get_users(id=some).entities] == some
last = users.get_users(sort_order="DESC", page_size=1).entities[0]
assert last.id == pages[2].entities[-1].id

body = sdk.CreateUser()
body.name, body.email = "Ada", "ada@example.com"
ada = users.post_users(body)
assert (ada.version, ada.state) == (1, "active")
change = sdk.UpdateUser()
change.name, change.version = "Grace", ada.version
assert users.patch_user(ada.id, change).version == 2
refused(409, "general.conflict", lambda: users.patch_user(ada.id, change))
assert users.get_user(ada.id).name == "Grace"
users.delete_user(ada.id)
refused(404, "not.found", lambda: users.get_user(ada.id))
assert [user.id for user in users.get_users(state="deleted").entities] == [ada.id]
body.email = "ada"
refused(400, "bad.request", lambda: users.post_users(body))

# Conversations: by query and by job.
query = sdk.ConversationQuery()
query.interval, query.order = interval, "asc"
query.paging = sdk.PagingSpec()
query.paging.page_size, query.paging.page_number = 100, 2
page = analytics.post_analytics_conversations_details_query(query)
assert (page.total_hits, len(page.conversations)) == (120, 20)
assert page.conversations[0].conversation_start is not None
query.paging.page_number = 3
assert analytics.post_analytics_conversations_details_query(query).conversations is None

available = analytics.get_analytics_conversations_details_jobs_availability()
assert available.data_availability_date is not None
wanted = sdk.AsyncConversationQuery()
wanted.interval = interval
job = analytics.post_analytics_conversations_details_jobs(wanted).job_id
states = [analytics.get_analytics_conversations_details_job(job) for _ in range(3)]
assert [status.state for status in states] == ["QUEUED", "PENDING", "FULFILLED"]
assert states[0].submission_date <= states[2].completion_date < states[2].expiration_date
read, cursor = 0, {}
while True:
    results = analytics.get_analytics_conversations_details_job_results(job, page_size=50, **cursor)
    read += len(results.conversations)
    if not results.cursor:
        break
    cursor = {"cursor": results.cursor}
assert read == 120

# The revocation of the token.
tokens.delete_tokens_me()
refused(401, "bad.credentials", tokens.get_tokens_me)
print("ok")
