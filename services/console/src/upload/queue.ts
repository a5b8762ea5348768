export const uploads = { add(_files: File[]): void {} };
