/** `npm run proof:edge` plays in full what `npm test` has a small part of. */
export const inFull: boolean = process.env["REBOOTLESS_PROOF"] === "edge";
