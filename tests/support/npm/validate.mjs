// Prints each error of an AsyncAPI document on a line of stdout. Exit code: 0 valid, 1 errors, 2 could not look.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const ERROR = 0; // the severity of what makes a document invalid; warnings are advice

try {
  const { diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"));
  const errors = diagnostics.filter((found) => found.severity === ERROR);
  for (const { path, message } of errors) console.log(`/${path.join("/")}: ${message}`);
  process.exitCode = errors.length ? 1 : 0;
} catch (error) {
  console.error(error);
  process.exitCode = 2;
}
