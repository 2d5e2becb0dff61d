/**
 * The text is not SQL that Sluice can read for certain: something is unterminated, unbalanced, or means different things under
 * different settings of the server. It never leaves this folder: `analyzeSql` turns it into an opaque statement.
 */
export class SqlSyntaxError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SqlSyntaxError'
  }
}
