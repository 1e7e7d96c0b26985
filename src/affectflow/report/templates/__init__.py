"""The page's templates, style and script."""

from __future__ import annotations

from typing import Any

import jinja2
import vl_convert


def render(template: str, **values: Any) -> str:
    """Return a page; a name that the template needs and ``values`` lacks is an error.

    Args:
        template: file of this folder.
        values: what it shows. Texts are escaped.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    environment.globals["vega"] = vl_convert.javascript_bundle
    return environment.get_template(template).render(values)
