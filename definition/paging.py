"""How an operation pages, by its parameters and the fields of its models."""

# Lists in a page that are not its rows.
BESIDE = {"aggregations", "enabledDataSchemas", "errorDetails", "schemas", "types"}

# By the name of the way: the words of the tests' CSV, and whether a second page can be requested.
WORDS = {
    "search": ("GET search: q64, nextPage link", "yes"),
    "index": ("GET SCIM startIndex/count", "yes"),
    "whole-index": ("GET SCIM, whole (no parameters)", "no"),
    "results": ("GET job results by cursor (POST jobs first, jobId+state)", "yes"),
    "audit-results": ("GET results by cursor, no nextUri (audits: id, other states)", "yes"),
    "usage-results": ("GET cursors object, no nextUri (usage)", "yes"),
    "usage-job-results": ("GET usage job: status and rows in one, nextUri", "yes"),
    "page-of-job": ("GET job results, page chosen in the POST body", "yes"),
    "last-row": ("GET limit/before/after, rows only (chats)", "yes"),
    "number": ("GET pageNumber/pageSize + nextUri", "yes"),
    "number-counted": ("GET pageNumber/pageSize, pageCount/total, no nextUri", "yes"),
    "number-nested": ("GET pageNumber, rows nested in an object", "yes"),
    "number-untyped": ("GET pageNumber/pageSize, untyped object", "yes"),
    "number-rows": ("GET pageNumber/pageSize, rows only", "yes"),
    "token": ("GET after/before/cursor/nextPage + nextUri", "yes"),
    "link": ("GET nextUri, no page parameters", "link"),
    "whole-counted": ("GET pageCount, no page parameters", "no"),
    "paging-object": ("POST body paging{}", "yes"),
    "body-number": ("POST body pageNumber/pageSize (top level)", "yes"),
    "body-number-nested": ("POST body pageNumber/pageSize (top level), rows nested", "yes"),
    "query-number": ("POST query-string pageNumber/pageSize", "yes"),
    "body-token": ("POST body after/cursor", "yes"),
    "query-token": ("POST query-string after/before (+ nextUri)", "yes"),
    "whole-post": ("POST, whole (listing model, no page parameters)", "no"),
}


def rows(sdk, operation):
    """Returns where the rows are: a field, or one in an object. Empty if the definition does not say."""
    fields = sdk.fields(operation.answer)
    found = [name for name, kind in fields.items() if kind.startswith("list[") and name not in BESIDE]
    if found:
        return "entities" if "entities" in found else found[0]
    nested = [
        f"{name}.{inner}"
        for name, kind in fields.items()
        for inner in sdk.fields(kind)
        if name == "results" and inner == "entities"
    ]
    return nested[0] if nested else ""


def kind(sdk, operation, reads):
    """Returns the name of the way in `WORDS`, or empty if there are no pages. Only POSTs that read have any."""
    if operation.method == "GET":
        return _get(sdk, operation)
    return _post(sdk, operation) if operation.method == "POST" and reads else ""


def _get(sdk, operation):
    query, fields = set(operation.query), sdk.fields(operation.answer)
    if "q64" in query and "nextPage" in fields:
        # Suggestions are one page: the best few.
        return "" if operation.path.endswith("/suggest") else "search"
    if "totalResults" in fields:
        return "index" if "startIndex" in query else "whole-index"
    if "queryStatus" in fields and "cursors" in fields:
        return "usage-results"
    if "queryStatus" in fields and "nextUri" in fields:
        return "usage-job-results"
    if operation.path.endswith("/results") and "cursor" in query and "nextUri" not in fields:
        return "audit-results" if "pageSize" in fields else "results"
    if operation.path.endswith("/query/jobs/{jobId}/results") and "pageCount" in fields:
        return "page-of-job"
    if {"limit", "before", "after"} <= query and "nextUri" not in fields:
        return "last-row"
    if "pageNumber" in query:
        return _numbered(sdk, operation, fields)
    if "nextUri" in fields:
        return "token" if query & {"after", "before", "cursor", "nextPage"} else "link"
    return "whole-counted" if "pageCount" in fields and "entities" in fields else ""


def _numbered(sdk, operation, fields):
    if "nextUri" in fields:
        return "number"
    if "pageCount" in fields:
        return "number-counted"
    if operation.answer == "object":
        return "number-untyped"
    where = rows(sdk, operation)
    return "number-nested" if "." in where else "number-rows" if where else ""


def _post(sdk, operation):
    query, fields, body = set(operation.query), sdk.fields(operation.answer), sdk.fields(operation.body)
    if body.get("paging") == "PagingSpec":
        return "paging-object"
    if "pageNumber" in body:
        return "body-number-nested" if "." in rows(sdk, operation) else "body-number"
    if "pageNumber" in query:
        return "query-number"
    if {"after", "cursor"} & set(body) & set(fields):
        return "body-token"
    if "after" in query:
        return "query-token"
    return "whole-post" if {"nextUri", "nextPage"} & set(fields) else ""
