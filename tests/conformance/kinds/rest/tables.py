#!/usr/bin/env python3
"""Records the columns that a real server prints for its kinds (crates/kinds/data/columns.tsv) and rows for objects of
tables.yaml and whatever else the server has (recorded_tables.jsonl).

    KUBECONFIG=... tests/conformance/kinds/rest/tables.py
"""
import email.utils
import json
import pathlib
import urllib.request

import yaml

from record import HERE, NAMESPACE, Server, merged, pruned

ACCEPT = "application/json;as=Table;v=v1;g=meta.k8s.io"
ROOT = HERE.parents[3]
MOST = 6


def table(server, path):
    request = urllib.request.Request(server.base + path, headers={"Accept": ACCEPT})
    with urllib.request.urlopen(request) as answer:
        now = email.utils.parsedate_to_datetime(answer.headers["Date"]).timestamp()
        return json.load(answer), int(now)


def served(server):
    """Every resource that can be listed: its path, group and kind."""
    discovery = json.loads((ROOT / "crates/kinds/data/discovery.json").read_text())
    for group in discovery["items"]:
        name = group["metadata"].get("name", "")
        for version in group["versions"]:
            base = f"/apis/{name}/{version['version']}" if name else f"/api/{version['version']}"
            for resource in version["resources"]:
                if "list" in resource["verbs"]:
                    yield f"{base}/{resource['resource']}", name, resource["responseKind"]["kind"]


def make(server):
    made = []
    for entry in yaml.safe_load((HERE / "tables.yaml").read_text()):
        for number, patches in enumerate(entry["objects"]):
            first, status = patches if isinstance(patches, list) else (patches, None)
            obj = merged(entry["base"], first)
            obj["metadata"].setdefault("name", f"rec-table-{number}")
            code, answer, _ = server.ask("POST", entry["path"], obj)
            if code != 201:
                raise SystemExit(f"{entry['path']}: {answer['message']}")
            where = f"{entry['path']}/{obj['metadata']['name']}"
            made.append(where)
            if status is not None:
                for _ in range(20):
                    _, answer, _ = server.ask("GET", where)
                    code, answer, _ = server.ask("PUT", where + "/status", merged(answer, {"status": status}))
                    if code == 200:
                        break
                else:
                    raise SystemExit(f"{where}: {answer['message']}")
    return made


def cleaned(obj):
    """What a row may need of an object."""
    created = obj["metadata"].get("creationTimestamp")
    obj = pruned(obj)
    if created:
        obj["metadata"]["creationTimestamp"] = created
    return obj


def main():
    columns, rows, seen = [], [], set()
    with Server() as server:
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        server.ask("POST", "/api/v1/namespaces", space)
        made = make(server)
        for path, group, kind in served(server):
            if (group, kind) in seen:
                continue
            seen.add((group, kind))
            answer, now = table(server, path + "?includeObject=Object")
            for column in answer["columnDefinitions"]:
                cells = [group, kind, column["name"], column["type"], column["format"]]
                columns.append([*cells, str(column["priority"]), column["description"].replace("\n", " ")])
            own = [row for row in (answer["rows"] or []) if "rec-table" in row["object"]["metadata"]["name"]]
            others = [row for row in (answer["rows"] or []) if row not in own]
            for row in (own + others)[: max(len(own), MOST)]:
                line = {"group": group, "kind": kind, "now": now, "object": cleaned(row["object"])}
                rows.append(line | {"cells": row["cells"], "conditions": row.get("conditions") or []})
        for where in made:
            server.ask("DELETE", where + "?gracePeriodSeconds=0")
    (ROOT / "crates/kinds/data/columns.tsv").write_text("".join("\t".join(line) + "\n" for line in columns))
    lines = "".join(json.dumps(line, sort_keys=True) + "\n" for line in rows)
    (HERE / "recorded_tables.jsonl").write_text(lines)
    print(f"{len(seen)} kinds, {len(rows)} rows")


if __name__ == "__main__":
    main()
