// The least that a poll by Node can be: one conditional request with node:http, and nothing done with the answer.
const { get } = require("node:http");

get(process.argv[2], { headers: { "if-none-match": "*" } }, (response) => response.resume());
