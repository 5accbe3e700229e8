/** Objects are Maps: a name chosen by an attacker (`__proto__`, `constructor`, `7`) is a name like any other, in its own place. */
export type Json<Text> =
  | null
  | boolean
  | number
  | Text
  | readonly Json<Text>[]
  | ReadonlyMap<string, Json<Text>>;
export type JsonValue = Json<string>;
export type JsonObject = ReadonlyMap<string, JsonValue>;
/** The form that a text is read in: a string, or the bytes of a file. */
export type Text = string | Uint8Array;
