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
PUBLIC is in PEM, a line of OpenSSH, or a JWK; of Ed25519 or ECDSA P-256. docs/ceremony.md: keys in hardware.`;

export const keysGroup: CommandGroup = (root, run) => {
  const keys = root.command("keys").description("make and look after keys; makes no request");
  withOwner(withNewPassphrase(keys.command("new <file>")))
    .description("make a key, encrypted with a passphrase, and its public part beside it as FILE.pub")
    .addOption(new Option("--role <role>", "what it is for: the root of trust decides").choices(KEY_ROLES))
    .action((file: string, options: KeysNewOptions, self: Command) =>
      run("keys new", self, (context) => keysNew(context, file, options)),
    );
  withOwner(keys.command("import <public>"))
    .description(
      "make the key file of a key that is kept elsewhere, from its public part: see --sign-command",
    )
    .requiredOption("-o, --output <file>", "a new file; its public part goes beside it as FILE.pub")
    .addOption(new Option("--role <role>", "what it is for: the root of trust decides").choices(KEY_ROLES))
    .addHelpText("after", IMPORT_HELP)
    .action((file: string, options: KeysImportOptions, self: Command) =>
      run("keys import", self, (context) => keysImport(context, file, options)),
    );
  keys
    .command("show <file>")
    .description("say what anybody may know of a key; needs no passphrase")
    .option("-o, --output <file>", "write the public part there")
    .action((file: string, options: KeysShowOptions, self: Command) =>
      run("keys show", self, (context) => keysShow(context, file, options)),
    );
  withNewPassphrase(keys.command("passwd <file>"))
    .description("give a key another passphrase")
    .option(
      "--old-passphrase-file <file>",
      "read the passphrase so far from a file, - for stdin, or a descriptor",
    )
    .action((file: string, options: KeysPasswdOptions, self: Command) =>
      run("keys passwd", self, (context) => keysPasswd(context, file, options)),
    );
  withPassphraseFile(keys.command("export <file>"))
    .description("write an online key, not encrypted, as the edge takes it (SNAPSHOT_KEY, TIMESTAMP_KEY)")
    .requiredOption("-o, --output <file>", "a new file, which only you will be able to read")
    .action((file: string, options: KeysExportOptions, self: Command) =>
      run("keys export", self, (context) => keysExport(context, file, options)),
    );
};
