import { type Command, Option } from "commander";
import { KEY_ROLES } from "../keys/key_file.ts";
import { withNewPassphrase, withOwner, withPassphraseFile } from "./arguments.ts";
import { type KeysExportOptions, keysExport } from "./keys_export.ts";
import { type KeysImportOptions, keysImport } from "./keys_import.ts";
import { type KeysNewOptions, keysNew } from "./keys_new.ts";
import { type KeysPasswdOptions, keysPasswd } from "./keys_passwd.ts";
import { type KeysShowOptions, keysShow } from "./keys_show.ts";
import type { CommandGroup } from "./run.ts";

const IMPORT_HELP = `
PUBLIC is a key of Ed25519 or ECDSA P-256, as PEM, a line of OpenSSH or a JWK. docs/ceremony.md: keys in hardware.`;

export const keysGroup: CommandGroup = (root, run) => {
  const keys = root.command("keys").description("make and manage keys (makes no network request)");
  withOwner(withNewPassphrase(keys.command("new <file>")))
    .description("make a key, encrypted with a passphrase, and write its public part to FILE.pub")
    .addOption(
      new Option(
        "--role <role>",
        "the role that it is made for (the root of trust decides in the end)",
      ).choices(KEY_ROLES),
    )
    .action((file: string, options: KeysNewOptions, self: Command) =>
      run("keys new", self, (context) => keysNew(context, file, options)),
    );
  withOwner(keys.command("import <public>"))
    .description(
      "make the key file of a key that is kept elsewhere, from its public part: see --sign-command",
    )
    .requiredOption("-o, --output <file>", "a new file; the public part is written to FILE.pub")
    .addOption(
      new Option(
        "--role <role>",
        "the role that it is made for (the root of trust decides in the end)",
      ).choices(KEY_ROLES),
    )
    .addHelpText("after", IMPORT_HELP)
    .action((file: string, options: KeysImportOptions, self: Command) =>
      run("keys import", self, (context) => keysImport(context, file, options)),
    );
  keys
    .command("show <file>")
    .description("show the public facts about a key (needs no passphrase)")
    .option("-o, --output <file>", "write the public part there")
    .action((file: string, options: KeysShowOptions, self: Command) =>
      run("keys show", self, (context) => keysShow(context, file, options)),
    );
  withNewPassphrase(keys.command("passwd <file>"))
    .description("change the passphrase of a key")
    .option(
      "--old-passphrase-file <file>",
      "read the current passphrase from a file, from stdin (-), or from a descriptor",
    )
    .action((file: string, options: KeysPasswdOptions, self: Command) =>
      run("keys passwd", self, (context) => keysPasswd(context, file, options)),
    );
  withPassphraseFile(keys.command("export <file>"))
    .description(
      "write an online key without encryption, in the form that the edge needs (SNAPSHOT_KEY, TIMESTAMP_KEY)",
    )
    .requiredOption("-o, --output <file>", "a new file, which only you will be able to read")
    .action((file: string, options: KeysExportOptions, self: Command) =>
      run("keys export", self, (context) => keysExport(context, file, options)),
    );
};
