import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/command.ts'
import { loadDriver } from '../../src/connect/load-driver.ts'
import { openConnection } from '../../src/connect/open-connection.ts'
import { ConnectError, shownAddress } from '../../src/connect/own-connection.ts'

describe('shownAddress', () => {
  it.each([
    ['postgresql://ann:secret@db.example:5432/shop?schema=public&password=secret', 'postgresql://ann@db.example:5432/shop'],
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
  ])('shows of %s no password', (url, shown) => {
    expect(shownAddress(url)).toBe(shown)
  })
})

describe('openConnection', () => {
  const opening = async (url: string) => openConnection(url)

  it('refuses an address that is none, and shows nothing of its password', async () => {
    const refused = opening('postgresql://ann:se/cret@db/shop')
    await expect(refused).rejects.toThrow(UsageError)
    await expect(refused).rejects.toThrow('got postgresql://…@db/shop')
  })

  it('refuses databases that are not read', async () => {
    await expect(opening('mongodb://ann:secret@db/shop')).rejects.toThrow('got mongodb://ann@db/shop')
  })

  it.each(['postgresql://ann:secret@127.0.0.1:1/shop', 'mysql://ann:secret@127.0.0.1:1/shop'])(
    'says why %s cannot be reached, without the password',
    async (url) => {
      const refused = opening(url)
      await expect(refused).rejects.toThrow(ConnectError)
      await expect(refused).rejects.toThrow(/ECONNREFUSED/)
      await expect(refused).rejects.not.toThrow(/secret/)
    },
  )

  it('says which file there is not', async () => {
    await expect(opening('file:/nowhere/dev.db')).rejects.toThrow('Cannot connect to /nowhere/dev.db: there is no such file.')
  })

  it('says of a file that is no database that it is none', async () => {
    await expect(opening(`file:${import.meta.filename}`)).rejects.toThrow(/not a database/)
  })
})

describe('loadDriver', () => {
  it('names the package that is missing', async () => {
    const missing = Object.assign(new Error("Cannot find package 'pg' imported from here"), { code: 'ERR_MODULE_NOT_FOUND' })
    await expect(loadDriver('pg', () => Promise.reject(missing))).rejects.toThrow('this needs the package "pg": npm install --save-dev pg')
  })

  it('hides nothing that is wrong within it', async () => {
    const broken = Object.assign(new Error("Cannot find package 'pg-native' imported from pg"), { code: 'ERR_MODULE_NOT_FOUND' })
    await expect(loadDriver('pg', () => Promise.reject(broken))).rejects.toBe(broken)
  })
})
