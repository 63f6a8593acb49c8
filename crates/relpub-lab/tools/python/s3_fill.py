"""Put a folder into a bucket, by boto3: s3_fill.py URL BUCKET PREFIX FOLDER."""

import sys
from pathlib import Path

import boto3
from botocore.config import Config

url, bucket, prefix, folder = sys.argv[1:]
s3 = boto3.client("s3", endpoint_url=url, config=Config(s3={"addressing_style": "path"}))
for path in sorted(it for it in Path(folder).rglob("*") if it.is_file()):
    s3.put_object(Bucket=bucket, Key=f"{prefix}/{path.relative_to(folder)}", Body=path.read_bytes())
