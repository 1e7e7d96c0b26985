"""What libcurl's and the system's errors are called in the ledger."""

from __future__ import annotations

import errno
import re

import pycurl

from affectflow.download.outcomes import Failed
from affectflow.errors import UserError

OURS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS)
_BY_ERRNO = {
    errno.ECONNREFUSED: "refused",
    errno.EHOSTUNREACH: "no_route",
    errno.ENETUNREACH: "no_route",
    errno.ENETDOWN: "no_route",
    errno.EADDRNOTAVAIL: "no_route",
    errno.ECONNRESET: "reset",
    errno.EPIPE: "reset",
    errno.ETIMEDOUT: "timeout",
}
_TIMING = re.compile(r" after \d+ ms")  # the same failure reads the same
_BY_CODE = {
    pycurl.E_COULDNT_RESOLVE_HOST: "dns",
    pycurl.E_COULDNT_RESOLVE_PROXY: "no_route",
    pycurl.E_COULDNT_CONNECT: "refused",
    pycurl.E_OPERATION_TIMEDOUT: "timeout",
    pycurl.E_PEER_FAILED_VERIFICATION: "certificate",
    pycurl.E_SSL_CONNECT_ERROR: "tls",
    pycurl.E_SSL_CIPHER: "tls",
    pycurl.E_SSL_ENGINE_INITFAILED: "tls",
    pycurl.E_USE_SSL_FAILED: "tls",
    pycurl.E_GOT_NOTHING: "reset",
    pycurl.E_SEND_ERROR: "reset",
    pycurl.E_RECV_ERROR: "reset",
    pycurl.E_PARTIAL_FILE: "truncated",
    pycurl.E_URL_MALFORMAT: "bad_url",
}


WANTS_PASSWORD = "The proxy asks for a password; write it into HTTP_PROXY and HTTPS_PROXY."


def named_fault(code: int, message: str, number: int, tunnel: int) -> Failed | UserError:
    """The outcome that libcurl's error stands for.

    ``number`` is the system's error, where there was one; ``tunnel`` what a proxy answered to CONNECT.
    """
    if tunnel == 407:
        return UserError(WANTS_PASSWORD)
    if tunnel >= 400:
        outcome, what = ("no_route", "cannot reach it") if tunnel >= 500 else ("refused", "refuses")
        return Failed(outcome, f"the proxy {what} (HTTP {tunnel})")
    detail = _TIMING.sub("", " ".join(message.split()))[:200]
    if code == pycurl.E_OUT_OF_MEMORY or number in OURS:
        return UserError(f"This machine ran out of sockets or memory ({detail}); lower download.concurrency.")
    if code == pycurl.E_SSL_CACERT_BADFILE:
        return UserError(f"The certificates to trust cannot be read ({detail}); mend or unset SSL_CERT_FILE.")
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return Failed("timeout", "no answer in time")
    if code in (pycurl.E_COULDNT_CONNECT, pycurl.E_SSL_CONNECT_ERROR) and number in _BY_ERRNO:
        return Failed(_BY_ERRNO[number], detail)
    return Failed(_BY_CODE.get(code, "bad_response"), detail)
