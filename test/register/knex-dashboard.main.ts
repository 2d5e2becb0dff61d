// A script that opens the dashboard, whose URL Sluice prints to stderr.
const url = new Promise<string>((resolve) => {
  const { write } = process.stderr
  process.stderr.write = function (this: NodeJS.WriteStream, ...args: Parameters<typeof write>) {
    const [, found] = /Dashboard: (\S+)/.exec(String(args[0])) ?? []
    if (found !== undefined) resolve(found)
    return Reflect.apply(write, this, args)
  } as typeof write
})

const { default: knex } = await import('knex')
knex({ client: 'better-sqlite3', connection: { filename: ':memory:' }, useNullAsDefault: true })
// Otherwise, nothing keeps the process alive until the dashboard listens.
const timer = setTimeout(() => {}, 10_000)
const response = await fetch(await url)
console.log(response.status, response.headers.get('content-type'))
clearTimeout(timer)
await import('./knex-script.main.ts')
