import { library } from '../../tsdown.base.ts'

export default library({
  index: 'src/index.ts',
  generator: 'src/generator.ts',
  project: 'src/project/index.ts',
})
