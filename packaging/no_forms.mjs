// In place of fetch-blob and formdata-polyfill in the host's bundle. node-fetch loads them, and with them web streams,
// for bodies that a host never sends: at each start of each host that costs more than the poll. Only their names are asked.
export class Blob {}
export class File {}
export class FormData {}
export default Blob;

const refuse = () => {
  throw new Error("the host's bundle sends no forms");
};
export const formDataToBlob = refuse;
export const fileFrom = refuse;
export const fileFromSync = refuse;
export const blobFrom = refuse;
export const blobFromSync = refuse;
