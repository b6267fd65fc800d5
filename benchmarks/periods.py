"""The period as it is measured for founders of one's own, against the one that dysts states, over dysts' founders.

`python -m benchmarks.periods .cache/founders` prints the worst ratios and what share agrees; about a minute.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from panda.config.load import load_config
from panda.core.errors import PandaError
from panda.discovery.own.founders import measure_own
from panda.systems.library import FounderLibrary


def main() -> None:
    """Measure every founder of a library whose initial condition the procedure can start from."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("founders", help="folder of the compiled founders")
    arguments = parser.parse_args()
    discover = load_config("config.yaml").discover
    library = FounderLibrary.open(arguments.founders)
    ratios = {}
    for name in library:
        flow = library.flow(name)
        unknown = replace(flow, driver=replace(flow.driver, period=np.nan))
        try:
            founder = measure_own(unknown, name, discover.founders, discover.search.integration.limits)
        except PandaError as error:
            print(f"not measured: {error}")
            continue
        ratios[name] = founder.period / flow.driver.period
    for name in sorted(ratios, key=lambda key: -abs(np.log(ratios[key])))[:8]:
        print(f"{name:<24} {ratios[name]:.3f}")
    found = np.array(list(ratios.values()))
    within = {label: np.mean(np.abs(np.log(found)) <= np.log(f)) for label, f in (("10%", 1.1), ("2", 2.0))}
    print(
        f"n={len(found)} median_ratio={np.median(found):.3f} "
        f"within_10%={within['10%']:.2f} within_factor_2={within['2']:.2f}"
    )


if __name__ == "__main__":
    main()
