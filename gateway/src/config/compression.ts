// Compressed answers.
import { count, flag } from './setting.ts';

export const compressionSettings = {
  COMPRESSION_ENABLED: flag(
    'compress answers with what Accept-Encoding takes: br, zstd (where Node has it), gzip',
    true,
  ),
  COMPRESSION_MINIMUM_SIZE: count('answers that are smaller are sent as they are (bytes)', {
    default: 500,
    minimum: 0,
    maximum: 1_000_000_000,
    live: true,
  }),
  COMPRESSION_GZIP_LEVEL: count('1 fastest, 9 smallest', { default: 6, minimum: 1, maximum: 9, live: true }),
  COMPRESSION_BROTLI_QUALITY: count('0 fastest, 11 smallest', { default: 4, minimum: 0, maximum: 11, live: true }),
  COMPRESSION_ZSTD_LEVEL: count('1 fastest, 22 smallest', { default: 3, minimum: 1, maximum: 22, live: true }),
};
