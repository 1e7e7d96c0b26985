"""Commands for clusters."""

from __future__ import annotations

import argparse

from affectflow.core.errors import UserError


def doctor(options: argparse.Namespace) -> None:
    from affectflow import config
    from affectflow.cluster.doctor import examine
    from affectflow.cluster.profile import read_requests
    from affectflow.plan import Plan
    from affectflow.plan.resources import needs_of

    needs = needs_of(Plan(config.load(options.config, *options.configfile)))
    wrong = 0
    for finding in examine(read_requests(options.profile), needs, options.wait if options.probe else 0):
        print(finding, flush=True)
        wrong += finding.wrong is True
    if wrong:
        raise UserError(f"{options.profile} would not do: {wrong} of the above {'are' if wrong > 1 else 'is'} wrong.")
