"""Ask a Cloud Storage server what it does with preconditions: gcs.py URL BUCKET.

Prints a line `ok WHAT` or `FAIL WHAT: ...` for each thing asked.
"""

import json
import sys
import urllib.error
import urllib.request

url, bucket = sys.argv[1:]


def call(method, path, body=None, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url + path, data=body, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


def check(what, wanted, got):
    print(f"ok {what}" if got == wanted else f"FAIL {what}: {got!r} instead of {wanted!r}")


def media(body, query=""):
    path = f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name=new{query}"
    return call("POST", path, body, Content_Type="text/plain")[0]


def resumable(body, query):
    path = f"/upload/storage/v1/b/{bucket}/o?uploadType=resumable&name=new{query}"
    status, _, headers = call("POST", path, b"{}", Content_Type="application/json")
    return call("PUT", headers["Location"].removeprefix(url), body)[0] if status == 200 else status


here = f"/storage/v1/b/{bucket}/o/new"
call("DELETE", here)
check("ifGenerationMatch=0 creates", 200, media(b"1", "&ifGenerationMatch=0"))
check("ifGenerationMatch=0 on an existing name is 412", 412, media(b"2", "&ifGenerationMatch=0"))
check("the same in a resumable upload is 412", 412, resumable(b"2", "&ifGenerationMatch=0"))
check("which leaves it as it was", b"1", call("GET", f"{here}?alt=media")[1])
generation = json.loads(call("GET", here)[1])["generation"]
check("ifGenerationMatch of the current generation swaps", 200, media(b"3", f"&ifGenerationMatch={generation}"))
check("ifGenerationMatch of an old generation is 412", 412, media(b"4", f"&ifGenerationMatch={generation}"))
check("a range", b"3", call("GET", f"{here}?alt=media", Range="bytes=0-0")[1])
xml = call("PUT", f"/{bucket}/new", b"5", x_goog_if_generation_match="0")[0]
check("a conditional PUT of the XML API is refused altogether, not ignored (400)", 400, xml)
