//! The SQS function: carries jobs out, chunk by chunk.
