// Faults of settings in the words of whoever set them: what is allowed, said so that nobody has to read a schema.
import { type TSchema, Type } from 'typebox';

/** @param message of the schema's check */
export function explain(schema: TSchema, message: string): string {
  const description = 'description' in schema ? String(schema.description) : '';
  if (message.startsWith('must match pattern')) return `is not what it must be: ${description}`;
  if (Type.IsEnum(schema) && message.includes('allowed values')) return `must be one of ${schema.enum.join(', ')}`;
  if (Type.IsBoolean(schema) && message === 'must be boolean') return 'must be true or false';
  if (!Type.IsInteger(schema) && !Type.IsNumber(schema)) return message;
  if (!/^must be (integer|number|[<>]=)/.test(message)) return message;
  const kind = Type.IsInteger(schema) ? 'whole number' : 'number';
  const limits = 'minimum' in schema && 'maximum' in schema ? ` from ${schema.minimum} to ${schema.maximum}` : '';
  return `must be a ${kind}${limits}: ${description}`;
}
