/** Packs every public package as it would be published. */
export function packAll(to: string): readonly {
  readonly manifest: { readonly name: string; readonly dependencies?: Readonly<Record<string, string>> }
  readonly path: string
}[]
