"""Write the model card: card.md with the figures of evaluate.py --json filled in."""
import argparse
import json
from pathlib import Path

import torch


def rows(scores):
    """Name, figure, interval and goal of every line of the table."""
    interval = lambda report: "{}–{}".format(*report["interval"])
    for key, name, goal in (("ner.eww", "EWW", "79"), ("ner.conll", "CoNLL++", "92")):
        report = scores[key]["all"]
        yield f"entities, {name} dev (micro-F1)", report["f1"], interval(report), goal
    quotes = scores["quotes"]
    for layer, goal in (("source", "80, floor 78"), ("cue", "75, floor 70"), ("content", "70, floor 66")):
        yield f"quotes, PolNeAR dev, exact {layer} spans (F1)", quotes[layer]["f1"], interval(quotes[layer]), goal
    for kind, goal in (("direct", "85"), ("mixed", "65"), ("indirect", "–")):
        report = quotes[kind]
        yield f"quotes, right of all, {kind} (found {report['found']}, whole {report['whole']})", report["right_of_all"], interval(report), goal
    for report, name, goal in (
        (scores["newsmtsc"], "NewsMTSC dev", "76"),
        (scores["stance"], "NATO/Russia dev, all 225", "66, floor 60; accuracy 74"),
        (scores["stance"]["sure"], "NATO/Russia dev, the 142 sure ones", "accuracy 82"),
        (scores["dse"], "DSE dev", "–"),
        (scores["seesaw"], "SEESAW dev, negative or positive", "–"),
    ):
        yield f"sentiment, {name} (macro-F1; accuracy {report['accuracy']})", report["macro_f1"], interval(report), goal
    report = scores["attitudes, cross-validated"]
    sides = "negative or positive: precision {precision}, recall {recall}".format(**report["sides"])
    yield f"attitudes, {report['statements']} statements of news, cross-validated (accuracy of four labels; {sides})", report["accuracy"], "–", "–"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=Path, required=True, help="JSON written by evaluate.py --json")
    parser.add_argument("--checkpoint", type=Path, required=True, help="for what it says of its training")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    scores = json.loads(args.scores.read_text())
    labels = lambda key: ", ".join(f"{label} {scores[key][label]['f1']}" for label in ("PER", "ORG", "LOC", "MISC"))
    card = Path(__file__).with_name("card.md").read_text()
    args.out.write_text(
        card.format(
            trained=torch.load(args.checkpoint, map_location="cpu", weights_only=True)["summary"],
            table="\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows(scores)),
            labels_eww=labels("ner.eww"),
            labels_conll=labels("ner.conll"),
            labels_stance=", ".join(f"{label} {f1}" for label, f1 in scores["stance"]["f1"].items()),
            predicted=scores["quotes"]["predicted"],
            unmatched=scores["quotes"]["unmatched"],
        )
    )


if __name__ == "__main__":
    main()
