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
SPLITS = ["train", "validation", "test"]
SHARDS = range(CONFIG.integrate.n_shards)
MODELS = CONFIG.named_models()
# Where the founders' compiled functions live; undeclared, shared by all runs, keyed inside by versions and code.
BUILD = ".cache/founders"


def one_of(names):
    """A pattern for one of these names, whose dots are dots."""
    return "|".join(map(re.escape, names))


wildcard_constraints:
    generation=r"\d+",
    method="one_generation|evolution",
    seed=r"\d+",
    shard=r"\d+",
    split="|".join(SPLITS),
    model=one_of(MODELS),
    forecaster=one_of([*MODELS, *registry.names()]),


# The modules whose code a rule's results depend on. Figures and baselines have a root each, see the rules.
ROOTS = {
    "compile_founders": ["panda.systems.library"],
    "measure_founders": ["panda.discovery.measure"],
    "search_candidates": ["panda.discovery.search"],
    "follow_candidates": ["panda.discovery.follow"],
    "follow_bred": ["panda.discovery.follow"],
    "breed_candidates": ["panda.discovery.breeding", "panda.discovery.shards"],
    "search_bred": ["panda.discovery.search"],
    "run_search": ["panda.discovery.timed_search"],
    "compare_searches": ["panda.discovery.comparison"],
    "select_systems": ["panda.discovery.select", "panda.discovery.shards"],
    "measure_spectra": ["panda.discovery.spectra"],
    "join_spectra": ["panda.discovery.spectra", "panda.discovery.shards"],
    "sample_gallery": ["panda.discovery.gallery"],
    "integrate_systems": [
        "panda.discovery.trajectories",
        "panda.discovery.trust",
        "panda.discovery.subsets",
        "panda.data.store",
    ],
    "write_card": ["panda.data.card", "panda.discovery.trust"],
    "import_trajectories": ["panda.data.external"],
    "find_duplicates": ["panda.discovery.novelty"],
    "audit_certificates": ["panda.discovery.audit"],
    "summarise_audit": [
        "panda.discovery.audit_summary",
        "panda.discovery.shards",
    ],
    "train_model": ["panda.training.loop", "panda.discovery.subsets"],
    "list_models": ["panda.model.weights"],
    "fit_baseline": [],
    "score_forecaster": ["panda.evaluation.score"],
    "score_completions": ["panda.evaluation.completions"],
    "summarise_scores": ["panda.evaluation.summary", "panda.evaluation.significance"],
    "simulate_fields": ["panda.pde.kuramoto_sivashinsky"],
    "score_fields": ["panda.evaluation.fields"],
    "summarise_fields": ["panda.evaluation.fields"],
    "integrate_subsets": [
        "panda.discovery.subsets",
        "panda.discovery.trajectories",
        "panda.data.store",
    ],
    "fit_scaling": ["panda.analysis.scaling_points", "panda.analysis.scaling_law"],
    "draw_figure": ["panda.figures.save"],
    "judge_claims": ["panda.analysis.claims"],
    "list_costs": ["panda.analysis.costs"],
    "write_report": ["panda.report.html"],
}


def code(rule_name, *more):
    """The code version of a rule, with further root modules for what a wildcard names."""
    return code_version([*ROOTS[rule_name], *more], SOURCE)


def part(*paths):
    """The parts of the configuration that a rule's results depend on."""
    return section(CONFIG, *paths)


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
