/** What is used of tr46, which comes without types. Options as in UTS-46, 4. */
declare module 'tr46' {
  interface Options {
    readonly checkHyphens?: boolean;
    readonly checkBidi?: boolean;
    readonly checkJoiners?: boolean;
    readonly useSTD3ASCIIRules?: boolean;
    readonly transitionalProcessing?: boolean;
    readonly ignoreInvalidPunycode?: boolean;
  }
  /** UTS-46 ToASCII; null when the name is not valid. */
  export function toASCII(name: string, options?: Options & { readonly verifyDNSLength?: boolean }): string | null;
  /** UTS-46 ToUnicode; `domain` is the best effort where `error` is set. */
  export function toUnicode(name: string, options?: Options): { readonly domain: string; readonly error: boolean };
}
