"""Ask an S3 server, by boto3, what it does: s3.py URL BUCKET QUESTION...

Prints a line `ok WHAT` or `FAIL WHAT: ...` for each thing asked. The questions:
plain (objects, ranges, listing), conditions (create-only and swap), checksums
(wrong ones are refused), rights (a user may not touch what is not theirs),
get-conditions.
"""

import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

url, bucket, *questions = sys.argv[1:]
config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}, request_checksum_calculation="when_required")
s3 = boto3.client("s3", endpoint_url=url, config=config)


def status(call, **arguments):
    try:
        return call(Bucket=arguments.pop("Bucket", bucket), **arguments)["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]


def check(what, wanted, got):
    print(f"ok {what}" if got == wanted else f"FAIL {what}: {got!r} instead of {wanted!r}")


def body(key, **arguments):
    return s3.get_object(Bucket=bucket, Key=key, **arguments)["Body"].read()


def plain():
    s3.put_object(Bucket=bucket, Key="lab/one", Body=b"01234")
    check("an object comes back as it was put", b"01234", body("lab/one"))
    check("a range of it", b"123", body("lab/one", Range="bytes=1-3"))
    check("a range past its end is 416", 416, status(s3.get_object, Key="lab/one", Range="bytes=9-"))
    check("an absent key is 404", 404, status(s3.get_object, Key="lab/absent"))
    keys = [it["Key"] for it in s3.list_objects_v2(Bucket=bucket, Prefix="lab/")["Contents"]]
    check("the listing has it", True, "lab/one" in keys)
    key = s3._request_signer._credentials.access_key
    wrong = boto3.client("s3", endpoint_url=url, config=config, aws_access_key_id=key, aws_secret_access_key="wrong")
    check("a request signed with another secret is 403", 403, status(wrong.put_object, Key="lab/one", Body=b"x"))
    check("and changed nothing", b"01234", body("lab/one"))


def conditions():
    s3.delete_object(Bucket=bucket, Key="lab/new")
    check("If-None-Match:* creates", 200, status(s3.put_object, Key="lab/new", Body=b"1", IfNoneMatch="*"))
    check("If-None-Match:* on an existing key is 412", 412, status(s3.put_object, Key="lab/new", Body=b"2", IfNoneMatch="*"))
    check("which leaves it as it was", b"1", body("lab/new"))
    check("If-Match with another ETag is 412", 412, status(s3.put_object, Key="lab/new", Body=b"3", IfMatch='"deadbeef"'))
    tag = s3.head_object(Bucket=bucket, Key="lab/new")["ETag"]
    check("If-Match with the current ETag swaps", 200, status(s3.put_object, Key="lab/new", Body=b"4", IfMatch=tag))


def get_conditions():
    s3.put_object(Bucket=bucket, Key="lab/get", Body=b"x")
    tag = s3.head_object(Bucket=bucket, Key="lab/get")["ETag"]
    check("a GET with If-None-Match of the same ETag is 304", 304, status(s3.get_object, Key="lab/get", IfNoneMatch=tag))
    check("a GET with If-Match of another ETag is 412", 412, status(s3.get_object, Key="lab/get", IfMatch='"x"'))


def checksums():
    zeros = "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA="
    check("a wrong SHA-256 is 400", 400, status(s3.put_object, Key="lab/sum", Body=b"x", ChecksumSHA256=zeros))


def md5():
    check("a wrong MD5 is 400", 400, status(s3.put_object, Key="lab/sum", Body=b"x", ContentMD5="AAAAAAAAAAAAAAAAAAAAAA=="))


def rights():
    check("a bucket that is not the user's is 403", 403, status(s3.list_objects_v2, Bucket="foreign"))


for question in questions:
    globals()[question.replace("-", "_")]()
