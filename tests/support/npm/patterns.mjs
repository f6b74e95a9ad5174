// Reads a JSON list of regexes on stdin and prints each that ECMA-262 does not take, on a line of stdout.
import { readFileSync } from "node:fs";

for (const pattern of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    new RegExp(pattern, "u");
  } catch (error) {
    console.log(`${pattern}: ${error.message}`);
  }
}
