"""Give a fresh moto one user who may use the bucket `builds`, and nothing else.

Prints the user's key, one word a line. These are exactly three calls of IAM:
the server checks signatures and policies from the fourth request on, which it
is told by INITIAL_NO_AUTH_ACTION_COUNT=3.
"""

import json
import sys

import boto3

url = sys.argv[1]
iam = boto3.client("iam", endpoint_url=url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
iam.create_user(UserName="lab")
mine = ["arn:aws:s3:::builds", "arn:aws:s3:::builds/*"]
policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": mine}]}
iam.put_user_policy(UserName="lab", PolicyName="lab", PolicyDocument=json.dumps(policy))
key = iam.create_access_key(UserName="lab")["AccessKey"]
secrets = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
boto3.client("s3", endpoint_url=url, region_name="us-east-1", **secrets).create_bucket(Bucket="builds")
print(*secrets.values(), sep="\n")
