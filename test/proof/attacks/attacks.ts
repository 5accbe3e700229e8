import type { Attack } from "./attack.ts";
import { borrowedAddress } from "./borrowed_address.ts";
import { clockSetBack } from "./clock_set_back.ts";
import { endlessList } from "./endless_list.ts";
import { falseTransfer } from "./false_transfer.ts";
import { foldersOfOthers } from "./folders_of_others.ts";
import { forgottenRotation } from "./forgotten_rotation.ts";
import { heavyFeed, heavyFeedFirst, heavySigned } from "./heavy_feed.ts";
import { heavyIndex, heavyTransfer, heavyUpstream } from "./heavy_mirror.ts";
import { heavyPages } from "./heavy_pages.ts";
import { heavyPublication, heavyPublicationToWorkerd } from "./heavy_publication.ts";
import { hostileEdge } from "./hostile_edge.ts";
import { linksInAMirror } from "./links_in_a_mirror.ts";
import { narrowUmask } from "./narrow_umask.ts";
import { pipesInAMirror } from "./pipes_in_a_mirror.ts";
import { signedEscapes } from "./signed_escapes.ts";
import { takenName } from "./taken_name.ts";
import { trapsForReports } from "./traps_for_reports.ts";
import { unsignedEscapes } from "./unsigned_escapes.ts";
import { withheldFeed } from "./withheld_feed.ts";

/** Every attack, in the order in which they are played. */
export const attacks: readonly Attack[] = [
  forgottenRotation,
  clockSetBack,
  withheldFeed,
  foldersOfOthers,
  narrowUmask,
  trapsForReports,
  borrowedAddress,
  takenName,
  heavyPages,
  linksInAMirror,
  pipesInAMirror,
  signedEscapes,
  unsignedEscapes,
  hostileEdge,
  falseTransfer,
  endlessList,
  heavyFeed,
  heavyFeedFirst,
  heavySigned,
  heavyPublication,
  heavyPublicationToWorkerd,
  heavyUpstream,
  heavyIndex,
  heavyTransfer,
];
