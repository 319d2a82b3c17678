"""The command line: ``glassblock unfold SOURCE``, ``compare A B``, ``gallery`` and ``demo``."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence

import glassblock
from glassblock.errors import GlassblockError
from glassblock.table import wrapped

_INTERRUPTED = 130
"""The exit status of what was ended with Ctrl-C, as shells have it."""
_PIPE_CLOSED = 141
"""The exit status of what wrote to a closed pipe."""
_COLUMNS = 80
"""Width where there is no terminal to ask."""
_OUTPUT = "save as .html, .svg, .json or .txt instead of printing"
_THEME = "of a picture (.svg): light or dark"
_SOURCE = "hub id, folder or file with config.json, .json that was saved with -o, or gallery:NAME"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    try:
        chosen.command(chosen)
    except GlassblockError as error:
        print(f"glassblock: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:  # whoever read along, `head` or a pager, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="glassblock", description="Any PyTorch transformer as a live diagram.")
    parser.add_argument("--version", action="version", version=f"glassblock {glassblock.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    unfold = commands.add_parser("unfold", help="print an architecture, or save it")
    unfold.add_argument("source", help=_SOURCE)
    unfold.add_argument("-o", "--output", help=_OUTPUT)
    unfold.add_argument("--theme", choices=("light", "dark"), help=_THEME)
    unfold.add_argument("--trust-remote-code", action="store_true", help="run code that comes with the checkpoint")
    unfold.set_defaults(command=_unfold)

    compare = commands.add_parser("compare", help="print what differs between two architectures, or save it")
    compare.add_argument("a", metavar="A", help=_SOURCE)
    compare.add_argument("b", metavar="B", help="another one")
    compare.add_argument("-o", "--output", help=_OUTPUT)
    compare.add_argument("--theme", choices=("light", "dark"), help=_THEME)
    compare.add_argument("--trust-remote-code", action="store_true", help="run code that comes with a checkpoint")
    compare.set_defaults(command=_compare)

    gallery = commands.add_parser(
        "gallery", help="list the well-known models that come with Glassblock, or say all of one"
    )
    gallery.add_argument("name", nargs="?", help="say all that is known of this one's size, with its sources")
    gallery.set_defaults(command=_gallery)

    demo = commands.add_parser("demo", help="run a bundled model and ablate each of its parts")
    demo.add_argument("name", nargs="?", default="gpt", help="gpt, moe or hybrid")
    demo.add_argument("-p", "--prompt", help="what to run; the model's first own prompt where not given")
    demo.add_argument("-o", "--output", help="also save a page (.html) on which clicking works without a kernel")
    demo.set_defaults(command=_demo)
    return parser


def _unfold(chosen: argparse.Namespace) -> None:
    from glassblock.api import unfold
    from glassblock.describe import tree

    diagram = unfold(chosen.source, trust_remote_code=chosen.trust_remote_code)
    if chosen.output:
        print(diagram.save(chosen.output, **_options(chosen)))
    else:
        print(tree(diagram.architecture, _width()))


def _compare(chosen: argparse.Namespace) -> None:
    from glassblock.api import compare, unfold

    a, b = (unfold(source, trust_remote_code=chosen.trust_remote_code) for source in (chosen.a, chosen.b))
    comparison = compare(a, b)
    print(comparison.save(chosen.output, **_options(chosen)) if chosen.output else comparison.table(_width()))


def _options(chosen: argparse.Namespace) -> dict[str, str]:
    return {"theme": chosen.theme} if chosen.theme else {}


def _gallery(chosen: argparse.Namespace) -> None:
    from glassblock.gallery import Gallery

    if chosen.name:
        print(Gallery().about(chosen.name, _width()))
    else:
        print(Gallery().table(_width()))
        print("\n".join(wrapped("`glassblock gallery NAME` says where a published figure is from.", _width())))


def _width() -> int:
    return shutil.get_terminal_size((_COLUMNS, 0)).columns


def _demo(chosen: argparse.Namespace) -> None:
    from glassblock.api import demo
    from glassblock.experiments import single_ablations

    with demo(chosen.name) as session:
        print(session.diagram, end="\n\n")
        print(session.run(chosen.prompt or session.suggestions[0][1]), end="\n\n")
        effects = [(run.kl or 0.0, item, run) for item, run in single_ablations(session, hows=("mean",))]
        print("mean ablation      next token     KL (nats)")
        for kl, item, run in sorted(effects, key=lambda effect: -effect[0]):
            print(f"{item.address:<18} {run.next_token or '':<14} {kl:9.4f}")
        if chosen.output:
            print(session.save(chosen.output))
