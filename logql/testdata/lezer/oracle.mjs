// Reads queries from standard input, one a line, and answers "accept" or "refuse" for each.
import { readFileSync } from "node:fs";
import { parser } from "@grafana/lezer-logql";

for (const query of readFileSync(0, "utf8").split("\n")) {
  let verdict = "accept";
  parser.parse(query).iterate({
    enter(node) {
      if (node.type.isError) verdict = "refuse";
    },
  });
  console.log(verdict);
}
