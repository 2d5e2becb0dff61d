import { rename } from '../../lib/rename.js'

export const dynamic = 'force-dynamic'

export default function Page() {
  return (
    <form action={rename}>
      <input name="id" />
      <input name="name" />
      <button type="submit">Rename</button>
    </form>
  )
}
