"""Signed alarms: HMAC-SHA256 over timestamp and raw body, for monitoring that cannot keep a token."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta

from flask import request

from engine.errors import NotFoundError
from webapp import people
from webapp.api.strangers import refuse_stranger
from webapp.current import current_desk, current_settings
from webapp.rights import Person

SIGNATURE, TIMESTAMP = "X-LoVEM-Signature", "X-LoVEM-Timestamp"
SCHEME = "sha256="
FRESH_FOR = timedelta(minutes=5)
REFUSED = "签名无效或已过期：请用告警密钥对时间戳和请求体签名，或给出有效的个人令牌。"
_DIGITS = 12  # of a timestamp: the year 33658


def signature_of(secret: str, timestamp: str, body: bytes) -> str:
    """What stands in the header SIGNATURE for a body sent at ``timestamp`` (seconds since 1970)."""
    signed = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return SCHEME + signed.hexdigest()


def is_signed() -> bool:
    """Whether this request comes with a signature, good or not, in the place of a token."""
    return SIGNATURE in request.headers and "Authorization" not in request.headers


def signer() -> Person:
    """The monitoring account that a good signature stands for; answers 401 to any other, in the same words."""
    settings, desk = current_settings(), current_desk()
    timestamp, given = request.headers.get(TIMESTAMP, ""), request.headers.get(SIGNATURE, "")
    expected = signature_of(settings.alarm_secret, timestamp, request.get_data(cache=True))
    good = hmac.compare_digest(expected.encode(), given.encode())
    if not (good and settings.alarm_secret and _is_fresh(timestamp, desk.clock())):
        raise refuse_stranger(REFUSED)
    try:
        with desk.reading() as connection:
            return people.find(connection, settings.alarm_account)
    except NotFoundError:
        raise refuse_stranger(REFUSED) from None


def _is_fresh(timestamp: str, now: datetime) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _DIGITS):
        return False
    return abs(now.timestamp() - int(timestamp)) <= FRESH_FOR.total_seconds()
