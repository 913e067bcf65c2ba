declare module 'tr46' {
  interface Options {
    checkHyphens?: boolean;
    checkBidi?: boolean;
    checkJoiners?: boolean;
    useSTD3ASCIIRules?: boolean;
    transitionalProcessing?: boolean;
    ignoreInvalidPunycode?: boolean;
  }
  /** UTS-46 ToASCII; null when the name is not valid. */
  export function toASCII(name: string, options?: Options & { verifyDNSLength?: boolean }): string | null;
  /** UTS-46 ToUnicode. */
  export function toUnicode(name: string, options?: Options): { domain: string; error: boolean };
}
