"""What the judge said of every box, beside the tables: for whoever trains on the dataset or looks through it.

```
<fragment>/judge.jsonl     token, sample_token, instance_token, trust: of the boxes that could be judged
<version>/judge.parquet    the same of all clips; `token` is the sample_annotation's
<version>/trust.json       token → trust, which mmdet3d's LabelTrustHook reads
```

Neither is written where nothing was judged. A box is left out that is too small, too far or too hidden to be judged.
`datagen merge` carries both on, for the clips it takes.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adapters.exporter.nuscenes.tables import Row, read_lines, write_lines
from adapters.exporter.nuscenes.tokens import sample_token, token_of
from datagen.errors import DatasetError
from datagen.scene import Clip, Label

LINES, TABLE, TRUST = "judge.jsonl", "judge.parquet", "trust.json"
_SCHEMA = pa.schema(
    [("token", pa.string()), ("sample_token", pa.string()), ("instance_token", pa.string()), ("trust", pa.float32())]
)


def annotation_token(clip: Clip, label: Label) -> str:
    """Return the token of a label's row in sample_annotation."""
    return token_of("sample_annotation", clip.id, label.actor_id, int(label.frame))


def write_judgements(clip: Clip, labels: Sequence[Label], folder: Path) -> None:
    """Write a clip's share into its fragment."""
    write_lines(folder / LINES, [_row(clip, label) for label in labels if label.trust is not None])


def merge_judgements(fragments: Sequence[Path], tables: Path) -> None:
    """Write what was said of all clips beside the tables, in the order given."""
    judged = [path for fragment in fragments if (path := fragment / LINES).is_file() and path.stat().st_size]
    if not judged:
        return
    with (
        pq.ParquetWriter(tables / TABLE, _SCHEMA) as table,
        (tables / TRUST).open("w", encoding="utf-8", newline="\n") as trust,
    ):
        before = "{"
        for path in judged:
            rows = list(read_lines(path))
            table.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA))
            for row in rows:
                trust.write(f"{before}\n{json.dumps(row['token'])}:{row['trust']}")
                before = ","
        trust.write("\n}\n")


def unite_judgements(
    host: Path, guest: Path, tables: Path, *, boxes: Collection[str], samples: Collection[str]
) -> None:
    """Write what was said of the real log's boxes, and of the synthetic ones that are taken, beside the merged tables.

    host, guest, tables: folders of a version.  boxes, samples: tokens of what is taken of `guest`.
    Raises DatasetError for a trust.json that is not token → trust.
    """
    trust = {**read_trust(host), **{token: value for token, value in read_trust(guest).items() if token in boxes}}
    if trust:
        (tables / TRUST).write_text(json.dumps(trust, indent=0) + "\n", encoding="utf-8")
    said = [pq.read_table(host / TABLE, schema=_SCHEMA)] if (host / TABLE).is_file() else []
    if (guest / TABLE).is_file():
        every = pq.read_table(guest / TABLE, schema=_SCHEMA)
        said.append(every.filter(pc.is_in(every["sample_token"], value_set=pa.array(list(samples), pa.string()))))
    if said:
        pq.write_table(pa.concat_tables(said), tables / TABLE)


def read_trust(tables: Path) -> Mapping[str, float]:
    """Return annotation token → trust; empty where nothing was judged. Raises DatasetError for what is not that."""
    path = tables / TRUST
    if not path.is_file():
        return {}
    try:
        trust = {str(token): float(value) for token, value in json.loads(path.read_text(encoding="utf-8")).items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise DatasetError(f"{path}: is not annotation token → trust ({error})") from error
    for token, value in trust.items():
        if not 0.0 <= value <= 1.0:
            raise DatasetError(f"{path}: the trust in {token} is {value}; it must be from 0 to 1")
    return trust


def _row(clip: Clip, label: Label) -> Row:
    assert label.trust is not None
    return {
        "token": annotation_token(clip, label),
        "sample_token": sample_token(clip.id, int(label.frame)),
        "instance_token": token_of("instance", clip.id, label.actor_id),
        "trust": round(label.trust, 4),
    }
