/** One file of a Prisma schema, which may have several. */
export interface SchemaFile {
  /** Relative to the project, with `/`. */
  readonly path: string
  readonly content: string
}
