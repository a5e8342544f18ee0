// Parses and validates an AsyncAPI document, its JSON Schemas (2020-12) included.
// Usage: node asyncapi.mjs FOLDER_WITH_NODE_MODULES DOCUMENT
// Prints one line a finding, then the addresses of the channels; exit 1 on errors.
import { createRequire } from "node:module";
import path from "node:path";

const [home, file] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(home), "package.json"));
const { Parser, fromFile } = require("@asyncapi/parser");
const Ajv2020 = require("ajv/dist/2020").default;

const SEVERITIES = ["error", "warning", "info", "hint"];
const ajv = new Ajv2020({ allErrors: true, strict: false });
const findings = [];

// The parser brings no support for 2020-12: a schema is checked by its meta-schema.
// Of a document of version 3 it calls `parse` only.
const draft202012 = {
  getMimeTypes: () => ["application/schema+json;version=draft-2020-12"],
  validate: async () => [],
  parse: async ({ data, path: where }) => {
    if (!ajv.validateSchema(data, false)) {
      const errors = ajv.errorsText(ajv.errors, { dataVar: "schema" });
      findings.push(`error json-schema ${where.join("/")}: ${errors}`);
    }
    return data;
  },
};

const parser = new Parser();
parser.registerSchemaParser(draft202012);
const { document, diagnostics } = await fromFile(parser, path.resolve(file)).parse();
for (const { severity, code, message, path: where } of diagnostics) {
  findings.push(`${SEVERITIES[severity]} ${code} ${where.join("/")}: ${message}`);
}
for (const finding of findings) console.log(finding);
if (document === undefined || findings.some((finding) => finding.startsWith("error"))) {
  process.exit(1);
}
for (const channel of document.channels().all()) console.log(channel.address());
