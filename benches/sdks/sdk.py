"""One job with the official Python SDK, as the README describes."""

import json
import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import PureCloudPlatformClientV2 as sdk
from PureCloudPlatformClientV2.rest import ApiException

HOST, PORT = os.environ["SDK_HOST"], int(os.environ["SDK_PORT"])
CLIENT = os.environ["SDK_CLIENT_ID"], os.environ["SDK_CLIENT_SECRET"]
CODE = os.environ.get("SDK_CODE")
RENEWS = os.environ.get("SDK_RENEWS") == "1"

client = sdk.api_client.ApiClient()
client.set_gateway(HOST, "http", PORT, None, None)
users = sdk.UsersApi(client)


def request():
    if os.environ["SDK_JOB"] == "create":
        body = sdk.CreateUser()
        body.name, body.email = "Ada", "ada@example.com"
        return users.post_users(body)
    return users.get_users(page_size=1)


def attempt(_):
    try:
        try:
            request()
        except ApiException as error:
            # What is written around the SDK, since it renews only what came by a login.
            if not (RENEWS and error.status == 401):
                raise
            client.get_client_credentials_token(*CLIENT)
            request()
        return "ok"
    except ApiException as error:
        return str(error.status)
    except RecursionError:
        return "recursion"
    except Exception as error:
        return type(error).__name__


if CODE:
    client.get_code_authorization_token(*CLIENT, CODE, "https://app.example/callback")
else:
    client.get_client_credentials_token(*CLIENT)
started = time.monotonic()
with ThreadPoolExecutor(int(os.environ["SDK_AT_A_TIME"])) as pool:
    results = Counter(pool.map(attempt, range(int(os.environ["SDK_REQUESTS"]))))
print(json.dumps({"results": results, "seconds": time.monotonic() - started}))
