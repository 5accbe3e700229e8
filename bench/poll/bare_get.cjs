// The least that a poll by Node can be: one conditional GET by Node's own client, whose answer is thrown away.
const url = process.argv[2];
const { get } = require(url.startsWith("https:") ? "node:https" : "node:http");

get(url, { headers: { "if-none-match": "*" } }, (response) => response.resume());
