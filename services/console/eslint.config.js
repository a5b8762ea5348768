// What `npm run lint` finds fault with. Formatting is not its business.
import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const off = {
  // The hooks hand out objects of functions that know no `this`; their interfaces write them as methods, which the rule takes for a class's.
  '@typescript-eslint/unbound-method': 'off',
  // hls.js is loaded only where it is needed, so its enums are compared by their values; their types are checked all the same.
  '@typescript-eslint/no-unsafe-enum-comparison': 'off',
};

export default defineConfig(
  { ignores: ['dist/', 'src/api/schema.d.ts'] },
  js.configs.recommended,
  {
    files: ['src/**/*.{ts,tsx}'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: off,
  },
  {
    // The tests are not part of the TypeScript project, as they import Node's modules; so they are read without types.
    files: ['src/**/*.test.ts'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { parserOptions: { projectService: false } },
  },
  {
    files: ['*.{js,ts}', 'scripts/**/*.mjs'],
    extends: [tseslint.configs.recommended],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
);
