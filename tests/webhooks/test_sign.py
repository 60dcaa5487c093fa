"""The signature of the Standard Webhooks specification, checked by other people's code."""

from __future__ import annotations

import base64
import shutil
import subprocess
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from clicktocall.calls.reports.sign import new_secret, signed_headers

# The example of the reference libraries' own tests.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT = 1614265330
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_example_of_the_reference_libraries() -> None:
    assert signed_headers(ID, AT, BODY, [SECRET]) == {
        "webhook-id": ID,
        "webhook-timestamp": str(AT),
        "webhook-signature": SIGNATURE,
    }


@given(body=st.text(max_size=200), message_id=st.text("0123456789abcdef", min_size=1))
def test_the_reference_library_verifies_it(body: str, message_id: str) -> None:
    secret = new_secret()
    headers = signed_headers(message_id, int(time.time()), body.encode(), [secret])
    Verifier(secret).verify(body, headers, json_parse=False)
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Verifier(secret).verify(f"{body} ", headers, json_parse=False)
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Verifier(new_secret()).verify(body, headers, json_parse=False)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_five_minutes_off_it_is_no_longer_taken(seconds: int) -> None:
    headers = signed_headers(ID, int(time.time()) + seconds, BODY, [SECRET])
    with pytest.raises(WebhookVerificationError, match=r"too (old|new)"):
        Verifier(SECRET).verify(BODY, headers)


def test_while_a_secret_is_replaced_both_verify() -> None:
    old, new = new_secret(), new_secret()
    headers = signed_headers(ID, int(time.time()), BODY, [new, old])
    assert headers["webhook-signature"].count("v1,") == 2
    for secret in (old, new):
        assert Verifier(secret).verify(BODY, headers) == {"test": 2432232314}


def test_a_secret_has_the_form_and_length_of_the_specification() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    for secret in secrets:
        assert secret.startswith("whsec_")
        assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64


_IN_NODE = """
const crypto = require("crypto");
const [secret, id, at, signature] = process.argv.slice(1);
const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
const body = require("fs").readFileSync(0);
const signed = Buffer.concat([Buffer.from(`${id}.${at}.`), body]);
const due = "v1," + crypto.createHmac("sha256", key).update(signed).digest("base64");
process.exit(signature.split(" ").includes(due) ? 0 : 3);
"""


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_node_verifies_it() -> None:
    secret, body = new_secret(), '{"name":"Zoë ☎"}'.encode()
    headers = signed_headers(ID, AT, body, [new_secret(), secret])
    command = ["node", "-e", _IN_NODE, secret, *headers.values()]
    assert subprocess.run(command, input=body, check=False).returncode == 0
    assert subprocess.run(command, input=body + b" ", check=False).returncode == 3


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_openssl_verifies_it() -> None:
    secret = new_secret()
    key = base64.b64decode(secret.removeprefix("whsec_")).hex()
    made = subprocess.run(
        ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{key}", "-binary"],
        input=f"{ID}.{AT}.".encode() + BODY,
        capture_output=True,
        check=True,
    ).stdout
    headers = signed_headers(ID, AT, BODY, [secret])
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(made).decode()}"
