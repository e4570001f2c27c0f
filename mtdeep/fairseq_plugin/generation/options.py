"""What becomes of every option of fairseq-generate, fairseq-interactive and fairseq-validate, for a store.

An option that these commands take is heeded, or refused by name before anything is translated, or it is one that no
translation depends on: fairseq's parsers offer most options of a training to every command. A test goes over the
parsers, so that none is forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

#: Options that do what fairseq says they do.
HEEDED = frozenset(
    """
    path model_overrides checkpoint_suffix task user_dir gen_subset valid_subset input buffer_size
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
    help log_file aim_repo aim_run_hash tensorboard_logdir wandb_project azureml_logging profile reset_logging
    suppress_crashes empty_cache_freq all_gather_list_size use_plasma_view plasma_path
    fp16_no_flatten_grads fp16_init_scale fp16_scale_window fp16_scale_tolerance on_cpu_convert_precision min_loss_scale
    threshold_loss_scale amp_batch_retries amp_init_scale amp_scale_window
    criterion optimizer lr_scheduler
    dataset_impl required_seq_len_multiple train_subset combine_valid_subsets ignore_unused_valid_subsets
    validate_interval validate_interval_updates validate_after_updates fixed_validation_seed disable_validation
    max_tokens_valid batch_size_valid max_valid_steps curriculum grouped_shuffling update_epoch_batch_itr
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

#: Refused unless it is 1, which is not its default where there are several GPUs (`checks.check_shards`).
ONE_PROCESS = frozenset({"distributed_world_size"})

_NOT_AUTOREGRESSIVE = "is for models that write all tokens at once; leave it out"
_ONE_DEVICE = "is for models that are cut over several devices, and ours is loaded whole; leave it out"

#: Options that would change a translation and cannot be had: what to do instead.
REFUSED: Mapping[str, str] = MappingProxyType(
    {
        "tpu": "is not supported; leave it out",
        "amp": "is for training; give --fp16 or --bf16, or neither",
        "model_parallel_size": _ONE_DEVICE,
        "pipeline_model_parallel": _ONE_DEVICE,
        "checkpoint_shard_count": _ONE_DEVICE,
        "quantization_config_path": "is for training; leave it out",
        "constraints": "is not supported by the task many_to_many_translation; leave it out",
        "lm_path": "is not supported, fairseq cannot open a language model on a store; leave it out",
        "lm_weight": "belongs to --lm-path, which is not supported; leave it out",
        "retain_dropout_modules": "names modules of fairseq's own models; leave it out, and all dropout is kept",
        "print_step": _NOT_AUTOREGRESSIVE,
        "iter_decode_eos_penalty": _NOT_AUTOREGRESSIVE,
        "iter_decode_max_iter": _NOT_AUTOREGRESSIVE,
        "iter_decode_force_max_iter": _NOT_AUTOREGRESSIVE,
        "iter_decode_with_beam": _NOT_AUTOREGRESSIVE,
        "iter_decode_with_external_reranker": _NOT_AUTOREGRESSIVE,
        "retain_iter_history": _NOT_AUTOREGRESSIVE,
        "decoding_format": _NOT_AUTOREGRESSIVE,
        "eos_token": "is for speech; leave it out",
    }
)

#: What fairseq-interactive cannot do besides: it has no references and prints all that it has, as it has it.
REFUSED_TYPED: Mapping[str, str] = MappingProxyType(
    {
        "scoring": "needs references, and typed text has none; leave it out",
        "sacrebleu": "needs references, and typed text has none; leave it out",
        "score_reference": "needs references, and typed text has none; leave it out",
        "prefix_size": "needs references, and typed text has none; leave it out",
        "quiet": "would leave nothing to print; leave it out",
        "results_path": "is fairseq-generate's; redirect the output instead",
        "gen_subset": "is fairseq-generate's; give the text with --input, or on standard input",
    }
)
