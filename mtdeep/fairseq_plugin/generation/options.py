"""What becomes of every option of fairseq-generate and fairseq-interactive, for a store.

An option that these commands take is heeded, or refused by name before anything is translated, or it is one that no
translation depends on: fairseq's parsers offer most options of a training to every command. A test goes over the
parsers, so that none is forgotten.
"""

from __future__ import annotations

from mtdeep.fairseq_plugin.unsupported import TRAINING_ONLY, Refusals

#: Options that do what fairseq says they do.
HEEDED = frozenset(
    """
    path model_overrides checkpoint_suffix task user_dir gen_subset input buffer_size
    tokenizer bpe post_process scoring sacrebleu quiet results_path no_progress_bar log_interval log_format
    cpu fp16 memory_efficient_fp16 bf16 memory_efficient_bf16 seed no_seed_provided
    num_workers data_buffer_size max_tokens batch_size required_batch_size_multiple skip_invalid_size_inputs_valid_test
    num_shards shard_id
    beam nbest max_len_a max_len_b min_len match_source_len unnormalized lenpen unkpen no_repeat_ngram_size temperature
    sampling sampling_topk sampling_topp diverse_beam_groups diverse_beam_strength diversity_rate prefix_size
    score_reference print_alignment replace_unk retain_dropout
    """.split()
)

#: Options on which no translation depends: of a training, its logs and checkpoints, or of how fairseq lays out memory.
INDIFFERENT = frozenset(
    """
    help aim_run_hash profile reset_logging
    suppress_crashes empty_cache_freq all_gather_list_size use_plasma_view plasma_path
    fp16_no_flatten_grads fp16_init_scale fp16_scale_window fp16_scale_tolerance on_cpu_convert_precision min_loss_scale
    threshold_loss_scale amp_batch_retries amp_init_scale amp_scale_window
    criterion optimizer lr_scheduler
    dataset_impl required_seq_len_multiple train_subset valid_subset combine_valid_subsets ignore_unused_valid_subsets
    validate_interval validate_interval_updates validate_after_updates fixed_validation_seed disable_validation
    curriculum grouped_shuffling update_epoch_batch_itr
    update_ordered_indices_seed
    distributed_num_procs distributed_rank distributed_backend distributed_init_method distributed_port device_id
    distributed_no_spawn ddp_backend ddp_comm_hook bucket_cap_mb fix_batches_to_gpus find_unused_parameters
    gradient_as_bucket_view fast_stat_sync heartbeat_timeout broadcast_buffers slowmo_momentum slowmo_base_algorithm
    localsgd_frequency nprocs_per_node zero_sharding no_reshard_after_forward fp32_reduce_scatter cpu_offload
    use_sharded_state not_fsdp_flatten_parameters
    pipeline_balance pipeline_devices pipeline_chunks pipeline_encoder_balance pipeline_encoder_devices
    pipeline_decoder_balance pipeline_decoder_devices pipeline_checkpoint
    save_dir restore_file continue_once finetune_from_model reset_dataloader reset_lr_scheduler reset_meters
    reset_optimizer optimizer_overrides save_interval save_interval_updates keep_interval_updates
    keep_interval_updates_pattern keep_last_epochs keep_best_checkpoints no_save no_epoch_checkpoints
    no_last_checkpoints no_save_optimizer_state best_checkpoint_metric maximize_best_checkpoint_metric patience
    load_checkpoint_on_all_dp_ranks write_checkpoints_asynchronously
    no_early_stop no_beamable_mm
    """.split()
)

#: Refused unless it is 1, which is not its default where there are several GPUs (`checks.check_process`).
ONE_PROCESS = frozenset({"distributed_world_size"})

_ALL_AT_ONCE = "it is for models that write all tokens at once; leave it out"
_ONE_DEVICE = "it is for models that are cut over several devices, and ours is loaded whole; leave it out"
NO_REFERENCES = "it needs references, and typed text has none; leave it out"
_ONLY_GENERATE = "it is fairseq-generate's; leave it out"

#: Options that would change a translation and cannot be had, by their places in fairseq's configuration: what to do.
REFUSED: Refusals = {
    **TRAINING_ONLY,
    "common.tpu": "it is not supported; leave it out",
    "common.amp": "it is for training; give --fp16 or --bf16, or neither",
    "common.model_parallel_size": _ONE_DEVICE,
    "common.quantization_config_path": "it is for training; leave it out",
    "distributed_training.pipeline_model_parallel": _ONE_DEVICE,
    "checkpoint.checkpoint_shard_count": _ONE_DEVICE,
    "generation.constraints": "the task many_to_many_translation does not support it; leave it out",
    "generation.lm_path": "fairseq cannot open a language model on a store; leave it out",
    "generation.lm_weight": "it belongs to --lm-path, which is not supported; leave it out",
    "generation.retain_dropout_modules": "it names modules of fairseq's own models; leave it out, and all is retained",
    "generation.print_step": _ALL_AT_ONCE,
    "generation.iter_decode_eos_penalty": _ALL_AT_ONCE,
    "generation.iter_decode_max_iter": _ALL_AT_ONCE,
    "generation.iter_decode_force_max_iter": _ALL_AT_ONCE,
    "generation.iter_decode_with_beam": _ALL_AT_ONCE,
    "generation.iter_decode_with_external_reranker": _ALL_AT_ONCE,
    "generation.retain_iter_history": _ALL_AT_ONCE,
    "generation.decoding_format": _ALL_AT_ONCE,
    "generation.eos_token": "it is for speech; leave it out",
}

#: What fairseq-interactive cannot do besides: it has no references, and prints all that it has on standard output.
REFUSED_TYPED: Refusals = {
    "generation.sacrebleu": NO_REFERENCES,
    "generation.score_reference": NO_REFERENCES,
    "generation.prefix_size": NO_REFERENCES,
    "common_eval.quiet": "it would leave nothing to print; leave it out",
    "common_eval.results_path": "it is fairseq-generate's; redirect the output instead",
    "dataset.gen_subset": "it is fairseq-generate's; give the text with --input, or on standard input",
    "dataset.num_shards": _ONLY_GENERATE,
    "dataset.shard_id": _ONLY_GENERATE,
}
