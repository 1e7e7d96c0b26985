"""HTTP(S)_PROXY and NO_PROXY of the environment."""

from __future__ import annotations

import urllib.request
from dataclasses import dataclass
from typing import Self

from yarl import URL

from affectflow.errors import UserError


@dataclass(frozen=True)
class Proxies:
    """Proxies by scheme. Behind one, names are looked up there: only addresses written into URLs are checked here."""

    by_scheme: dict[str, str]

    @classmethod
    def of_environment(cls) -> Self:
        """Raises :class:`UserError` for a proxy that is not spoken to over http."""
        found: dict[str, str] = {}
        for scheme, text in urllib.request.getproxies_environment().items():
            if scheme not in ("http", "https"):
                continue
            proxy = URL(text if "://" in text else f"http://{text}")
            if proxy.scheme not in ("http", "https") or not proxy.host:
                raise UserError(f"{scheme.upper()}_PROXY is {text!r}; only http proxies are spoken to.")
            found[scheme] = str(proxy)
        return cls(found)

    def proxy_of(self, target: URL) -> str | None:
        """The proxy to ask for ``target``, unless NO_PROXY names its host."""
        proxy = self.by_scheme.get(target.scheme)
        if proxy is None or urllib.request.proxy_bypass_environment(f"{target.host}:{target.port}"):  # type: ignore[attr-defined]
            return None
        return proxy
