"""Scores as compact tables on the terminal."""

from __future__ import annotations

from training.shares import Scores, percent
from training.tables import MAP_NAMES


def print_text(scores: Scores) -> None:
    """What `evaluate text` measured."""
    masked, aligned = scores["masked_tokens"], scores["alignment"]
    print(f"\nmasked tokens, {masked['pairs']} held-out pairs      top-1        top-5")
    for name in ("alone", "with_translation", "unigram"):
        print(f"  {name:<38}{percent(masked[name]['top1']):<13}{percent(masked[name]['top5'])}")
    print(f"\nalignment, {aligned['pairs']} pairs: % of {aligned['linked_words']} linked words; head from 0")
    print("  head   en→zh  zh→en  product  entropy  distance  special  other language")
    for layer, row in enumerate(aligned["heads"]):
        for head, values in enumerate(row):
            does = scores["heads"][layer][head]
            shares = "".join(f"{percent(values[k]):>7}" for k in ("en_zh", "zh_en", "product"))
            print(
                f"  {layer}.{head} {shares}{does['entropy']:>10.2f}{does['distance']:>10.1f}"
                f"{percent(does['special']):>9}{percent(does['other_language']):>11}"
            )
    for name, part in (("this", aligned), *((k, aligned.get(k)) for k in ("bilingual_start", "untrained"))):
        if part:
            best, both = part["best"], part["best_symmetrised"]
            print(
                f"  {name}: best {best['layer']}.{best['head']} {best['direction']} {percent(best['score'])}; "
                f"AER {both['aer']:.3f} ({both['layer']}.{both['head']} {both['how']})"
            )
    print(f"  diagonal {percent(aligned['diagonal']['score'])}, AER {aligned['diagonal']['aer']:.3f}")
    for language, found in scores["relations"].items():
        gains = sorted(found.items(), key=lambda item: -item[1]["gain"])
        enough = sum(r["gain"] >= 0.1 for r in found.values())
        print(f"\nrelations, {language}: {enough} of {len(found)} at least 10 points over the best offset")
        for name, r in gains[:8]:
            print(
                f"  {name:<11}{r['layer']}.{r['head']} {r['direction']:<18}{percent(r['score']):>5}"
                f"  offset {r['best_offset']:+d} {percent(r['best_offset_score']):>5}  ({r['cases']})"
            )


def print_vision(scores: Scores) -> None:
    """What `evaluate vision` measured."""
    print("\nbuild   class top-1   top-5        group top-1  parameters  multiply-adds  ms     unsure below")
    for name, b in scores["builds"].items():
        u = b["unknown"]
        print(
            f"{name:<8}{percent(b['class_top1']):<14}{percent(b['class_top5']):<13}{percent(b['group_top1']):<13}"
            f"{b['parameters']:<12,}{b['multiply_adds'] / 1e6:<15.1f}{b['milliseconds_cpu']['trace']:<7}"
            f"{u['below']:.3f} ({percent(u['either_outside'])}% of others, with {u['rule']})"
        )
        print("        " + "; ".join(f"at {s} px {percent(v['class_top1'])}" for s, v in b["sizes"].items()))
    for key in ("masks", "masks_large", "masks_untrained"):
        if key not in scores:
            continue
        part = scores[key]
        print(f"\n{key}: {part['photos']} photos, box area {percent(part['box_area'])}")
        print("  map                pointing     energy       pixel AUC")
        for name, stage in part.items():
            kinds = [kind for kind in MAP_NAMES if kind in stage] if isinstance(stage, dict) and "mask" in stage else []
            for kind in kinds:
                values = "".join(f"{percent(stage[kind][k]):<13}" for k in ("pointing", "energy", "pixel_auc"))
                print(f"  {name + ' ' + kind:<19}{values}")
            if kinds:
                print("    range " + ", ".join(f"{k} {v}" for k, v in stage["range"].items()))
        for name in ("centred_gaussian", "uniform"):
            print(f"  {name:<19}" + "".join(f"{percent(v):<13}" for v in part[name].values()))
    if "removal" in scores:
        print(f"\nremoval: {scores['removal']['photos']} photos, area under the curve; minus centred Gaussian")
        for name, values in scores["removal"]["maps"].items():
            print(f"  {name:<19}" + "".join(f"{key} {percent(v):<13}" for key, v in values.items()))
    for name, stages in scores.get("profiles", {}).items():
        shares = ", ".join(f"{stage} {percent(part['class_share'])}" for stage, part in stages.items())
        print(f"\n{name}: share of the channel weights' variance that lies between classes: {shares}")
    for name, life in scores.get("life", {}).items():
        for what, part in life["frozen"].items():
            print(f"\n{name}: {what} frozen cost {percent(part['cost'])} points, {percent(part['same'])}% same answers")
        for stage, parts in life["stages"].items():
            print(f"  {stage} " + "; ".join(f"{what} spread {part['spread']:.3f}" for what, part in parts.items()))
    for name, part in scores.get("seeds", {}).get("minus_plain", {}).items():
        print(f"\n{name} − plain over seeds: {percent(part)}")


def print_translator(scores: Scores) -> None:
    """What `evaluate translator` measured."""
    unseen = scores["unseen_pairs"]
    print(f"\ntranslations of {scores['pairs']} pairs (word by word); of the {unseen['pairs']} not in training")
    for measure in ("bleu", "chrf"):
        for direction, found in scores[measure].items():
            new = unseen[measure][direction]
            print(
                f"  {direction} {measure:<5}{found['value']:>6.1f} ({found['baseline']:.1f})"
                f"{new['value']:>8.1f} ({new['baseline']:.1f})"
            )
    best = scores["alignment"]["best"]
    print(
        f"  alignment: best {best['layer']}.{best['head']} {best['direction']}, {best['rows']}: "
        f"{percent(best['score'])}; AER {scores['aer']['value']:.3f} (diagonal {scores['aer']['baseline']:.3f})"
    )
