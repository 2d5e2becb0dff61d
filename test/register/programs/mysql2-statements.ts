import { Connection } from 'mysql2'

/** Counts the queries that `mysql2` sends from now on. */
export function countMysql2Statements(): () => number {
  let statements = 0
  const { prototype } = Connection as unknown as { prototype: { addCommand(command: object): unknown } }
  const { addCommand } = prototype
  prototype.addCommand = function (command) {
    if (command.constructor.name === 'Query') statements += 1
    return addCommand.call(this, command)
  }
  return () => statements
}
