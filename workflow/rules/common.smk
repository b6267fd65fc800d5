"""What every rule uses: paths, the code version of each rule, the call of the command line.

In `shell:` every placeholder but PANDA is quoted (`:q`): paths may hold blanks, and what is a name here may one day be
less plain. A list of files or of options is quoted one by one; where it may be empty it is `--option={...:q}`.
"""

import os
import re
import shlex
import sys

from panda.core.code_version import code_version
from panda.core.resolved import path_by_content, write_by_content, write_resolved

SOURCE = Path(workflow.basedir).parent
RUN = f"results/{CONFIG.run_name}"
# Named by its content: jobs of this call read this one, also after a call with other settings in the same folder.
RESOLVED = GIVEN or str(path_by_content(CONFIG, RUN))
os.environ["PANDA_RESOLVED"] = RESOLVED
PANDA = f"{shlex.quote(sys.executable)} -m panda"
SHARDS = range(CONFIG.integrate.n_shards)
MODELS = CONFIG.named_models()
# Where the founders' compiled functions live; undeclared, shared by all runs, keyed inside by versions and code.
BUILD = ".cache/founders"


# Whose systems are integrated; where another one is given, nothing asks for a search.
CATALOGUE = (
    CONFIG.integrate.catalogue
    or f"{RUN}/{STEPS['select_systems'].outputs['catalogue']}"
)


def one_of(names):
    """A pattern for one of these names, whose dots are dots."""
    return "|".join(map(re.escape, names))


wildcard_constraints:
    generation=r"\d+",
    method="one_generation|evolution",
    point=r"\d+",
    seed=r"\d+",
    shard=r"\d+",
    split="|".join(SPLITS),
    model=one_of(MODELS),
    dataset=one_of(CONFIG.evaluate.datasets),
    forecaster=one_of([*MODELS, *CONFIG.taken, *registry.names(CONFIG.baselines.own)]),
    scored=one_of(
        [
            arena.TOGETHER,
            *MODELS,
            *CONFIG.taken,
            *registry.names(CONFIG.baselines.own),
        ]
    ),


def out(step, role):
    """An output of a step, with its wildcards."""
    return f"{RUN}/{STEPS[step].outputs[role]}"


def code(step, *more):
    """The code version of a step, with further root modules for what a wildcard names."""
    return code_version([*STEPS[step].code, *more], SOURCE)


def section(step, *more):
    """What a step reads of the configuration, with more for what a wildcard names."""
    return STEPS[step].section(CONFIG, *more)


def baseline(name):
    """What a baseline says of itself, ours or the user's."""
    return registry.info(name, CONFIG.baselines.own)


def of_forecaster(what, step):
    """Section or code of a step, with those of the forecaster that a wildcard names."""

    def added(wildcards):
        reads, modules = forecaster(CONFIG, wildcards.forecaster, baseline)
        return what(step, *(reads if what is section else modules))

    return added


def trajectories(split):
    """All shards of a split, integrated or imported."""
    return expand(f"{RUN}/integrate/{split}/{{shard}}.arrow", shard=SHARDS)


def growing(mem_mb):
    """Memory in MB that grows with every attempt: a job killed for its memory gets more when retried."""
    return lambda wildcards, attempt: mem_mb * attempt


# Where jobs run on other machines, their own Snakemake is told, too.
envvars:
    "PANDA_RESOLVED",


onstart:
    write_by_content(CONFIG, RUN)
    write_resolved(CONFIG, f"{RUN}/config.yaml")  # the newest, for people
