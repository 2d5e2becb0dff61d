/**
 * The string is not SQL that Sluice can read for certain: a token is unterminated, unbalanced, or has a
 * different meaning under different server settings. The error never leaves this folder: `analyzeSql` turns
 * it into an opaque statement.
 */
export class SqlSyntaxError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SqlSyntaxError'
  }
}
