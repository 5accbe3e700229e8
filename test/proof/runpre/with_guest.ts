import { type BootOptions, bootGuest, type Guest } from "../../support/guest/guest.ts";

const TRIES = 3;

/** Boots a guest for `use`, and closes it. */
export async function withGuest<T>(options: BootOptions, use: (guest: Guest) => Promise<T>): Promise<T> {
  const guest = await boot(options);
  try {
    return await use(guest);
  } finally {
    await guest.close();
  }
}

/** A machine that is busy is sometimes too slow to boot in time. */
async function boot(options: BootOptions, tries = TRIES): Promise<Guest> {
  try {
    return await bootGuest(options);
  } catch (error) {
    if (tries === 1) throw error;
    process.stderr.write("    a guest did not come up; once more\n");
    return await boot(options, tries - 1);
  }
}
