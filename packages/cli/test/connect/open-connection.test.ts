import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/command.ts'
import {
  ConnectError,
  openConnection,
  openScratchSqlite,
  shownAddress,
  sqlitePath,
} from '../../src/connect/open-connection.ts'

describe('shownAddress', () => {
  it.each([
    [
      'postgresql://ann:secret@db.example:5432/shop?schema=public&password=secret',
      'postgresql://ann@db.example:5432/shop',
    ],
    ['mysql://root@localhost/shop', 'mysql://root@localhost/shop'],
    ['postgres://ann:s@cret@db/shop', 'postgres://ann@db/shop'],
    ['postgresql://ann:se/cret@db/shop', 'postgresql://…@db/shop'],
    ['postgresql://ann:se?cret@db/shop', 'postgresql://…@db/shop'],
    ['postgresql://db/shop?user=a@b&password=cret@x', 'postgresql://db/shop'],
    ['file:./dev.db?connection_limit=1', 'file:./dev.db'],
    ['ann:secret@db/shop', 'ann:***@db/shop'],
    ['host=db user=ann password=secret', 'host=db user=ann password=***'],
    ['redis://:secret@cache:6379', 'redis://cache:6379'],
    ['postgresql://ann:secret@a:1,b:2/shop', 'postgresql://…@a:1,b:2/shop'],
    ['mysql://\u001b[2Jroot@db/\u202eshop', 'mysql://%1B%5B2Jroot@db/%E2%80%AEshop'],
  ])('hides the password of %s', (url, shown) => {
    expect(shownAddress(url)).toBe(shown)
  })
})

describe('sqlitePath', () => {
  it.each([
    ['blog.db', 'blog.db'],
    ['file:./blog.db?mode=ro', './blog.db'],
    ['file:/data/blog.db', '/data/blog.db'],
    ['file:///data/blog.db', '/data/blog.db'],
    ['sqlite:blog.db', 'blog.db'],
    ['sqlite://blog.db', 'blog.db'],
    ['sqlite:///data/blog.db', '/data/blog.db'],
  ])('is the path of %s', (url, path) => {
    expect(sqlitePath(url)).toBe(path)
  })
})

describe('openScratchSqlite', () => {
  it('lets timers run in a series of statements, such as those that show the progress', async () => {
    const connection = await openScratchSqlite()
    let hasRun = false
    const timer = setTimeout(() => {
      hasRun = true
    }, 10)
    const until = performance.now() + 5_000
    while (!hasRun && performance.now() < until) await connection.query('SELECT 1')
    clearTimeout(timer)
    await connection.close()
    expect(hasRun).toBe(true)
  })
})

describe('openConnection', () => {
  const opening = async (url: string) => openConnection(url)

  it('rejects an invalid URL, and does not print its password', async () => {
    const refused = opening('postgresql://ann:se/cret@db/shop')
    await expect(refused).rejects.toThrow(UsageError)
    await expect(refused).rejects.toThrow('got postgresql://…@db/shop')
  })

  it.each([
    ['mongodb://ann:secret@db/shop', 'got mongodb://ann@db/shop'],
    ['mssql://h/db', 'got mssql://h/db'],
    ['jdbc:postgresql://ann:secret@db/x?password=secret', 'got jdbc:postgresql://ann:***@db/x'],
    ['ann:secret@db/shop', 'got ann:***@db/shop'],
    ['constructor://db', 'got constructor://db'],
  ])('rejects the unknown scheme of %s and lists the known ones', async (url, got) => {
    const refused = opening(url)
    await expect(refused).rejects.toThrow(UsageError)
    await expect(refused).rejects.toThrow(got)
    await expect(refused).rejects.toThrow(/expected postgresql:.* mysql:.* mariadb:.* file:.* sqlite:/)
    await expect(refused).rejects.not.toThrow(/secret/)
  })

  it('rejects the scheme of a server without its host', async () => {
    await expect(opening('postgresql:shop')).rejects.toThrow(
      /^expected a URL such as .*, got postgresql:shop$/,
    )
  })

  it('does not read the drive of a path as a scheme', async () => {
    await expect(opening('C:\\data\\dev.db')).rejects.toThrow(
      'Cannot connect to C:\\data\\dev.db: file not found',
    )
  })

  it.each(['postgresql://ann:secret@127.0.0.1:1/shop', 'mysql://ann:secret@127.0.0.1:1/shop'])(
    'reports why the connection to %s failed, without the password',
    async (url) => {
      const refused = opening(url)
      await expect(refused).rejects.toThrow(ConnectError)
      await expect(refused).rejects.toThrow(/ECONNREFUSED/)
      await expect(refused).rejects.not.toThrow(/secret/)
    },
  )

  it('names the missing file', async () => {
    await expect(opening('file:/nowhere/dev.db')).rejects.toThrow(
      'Cannot connect to /nowhere/dev.db: file not found',
    )
  })

  it('rejects a file that is not a database', async () => {
    await expect(opening(`file:${import.meta.filename}`)).rejects.toThrow(/not a database/)
  })
})
